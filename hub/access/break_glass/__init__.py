"""Break-glass: for some minutes and a reason, personal data that policies keep closed; told at once, reviewed after."""
