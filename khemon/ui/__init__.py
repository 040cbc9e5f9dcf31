"""What a person sees: the script that registers the pages, and the parts that pages are made of."""
