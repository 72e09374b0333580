"""The desk's one search: what staff have typed, the blogs and shops that it names, and the page that shows them."""
