//! What comes in from other programs.
