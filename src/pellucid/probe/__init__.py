"""The only code that touches a live model: subject, address, layout, guard, capture, listener."""
