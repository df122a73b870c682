"""The same ladder on FastAPI and uvicorn; each module runs alone."""
