"""Who may send webhooks, and how a request shows that it comes from one of them.

``policy`` says what a sender is, ``evidence`` what a request shows, ``shared_secrets``
and ``entra`` (with ``tokens``) judge it, and ``gate`` puts them in order.
"""

from shared.senders.gate import Accepted, Senders
from shared.senders.policy import EntraSender, HmacSender, KeySender, Sender

__all__ = [
    "Accepted",
    "EntraSender",
    "HmacSender",
    "KeySender",
    "Sender",
    "Senders",
]
