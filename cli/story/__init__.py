"""The attack that `firewatch run` plays when it is given no feed of your own."""
