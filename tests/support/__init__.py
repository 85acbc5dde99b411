"""Problems, processes, texts and an emulated device for the tests."""
