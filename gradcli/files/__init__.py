"""Arrays in files: .npy, .npz, .safetensors, .csv and .json, read without trusting them and written atomically."""
