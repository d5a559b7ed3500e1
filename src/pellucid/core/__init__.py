"""The nouns: result, finding, rule, figure, theme, errors, extras."""
