//! Examples of Atlas: each is a program of its own, listed in the README of this folder.
