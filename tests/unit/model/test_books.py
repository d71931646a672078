"""The books of law 1."""

from __future__ import annotations

from shared.model.books import Booking, Books, booked


def test_each_unit_is_booked_once() -> None:
    """Received is the number of units, whatever became of them."""
    books = booked([*Booking, Booking.STORED])

    assert books == Books(
        received=7,
        stored=2,
        updated=1,
        duplicate=1,
        stale=1,
        ignored=1,
        dead_lettered=1,
    )
    assert books.is_balanced


def test_books_add_up() -> None:
    """The sum of balanced books is balanced."""
    one, other = booked([Booking.STORED]), booked([Booking.IGNORED, Booking.STALE])

    assert one + other == booked([Booking.STORED, Booking.IGNORED, Booking.STALE])
    assert (one + other + Books()).is_balanced


def test_a_lost_unit_shows() -> None:
    """Suppressed units are stored ones, and do not make up for a lost one."""
    assert not Books(received=2, stored=1, suppressed=1).is_balanced
    assert Books(received=1, stored=1, suppressed=1).is_balanced
