"""Personal data: erased, corrected, kept as long as its purpose lasts, and accounted for."""
