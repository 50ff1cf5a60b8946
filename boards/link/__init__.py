"""The host link: what a host and a board say to each other over a stream of bytes."""
