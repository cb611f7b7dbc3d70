"""How to ask a cloning model: how long it may speak, when it has finished."""
