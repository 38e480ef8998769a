"""Running a network over photographs, with onnxruntime and without torch."""
