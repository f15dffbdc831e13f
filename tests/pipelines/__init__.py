"""Random autograd pipelines, made by `generate`, answered by torch and by gradcli, and compared."""
