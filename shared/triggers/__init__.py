"""From what the platform hands a function to what the verbs take, and back."""
