"""What a model's answers rest on: importance, Shapley values, partial dependence, on what is shipped."""
