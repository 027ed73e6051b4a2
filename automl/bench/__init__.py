"""Systems side by side on a folder of data sets: fits that go on where they stopped, ranks, a page."""
