"""The pages about relay, and the code that writes and checks their generated parts."""
