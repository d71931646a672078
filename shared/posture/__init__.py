"""What is read of Azure's logs and detection, and what of it is not as it should be."""
