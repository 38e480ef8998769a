"""The public-acceptance study: do people take a colorized photograph for a real one?"""
