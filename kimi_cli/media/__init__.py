"""PDFs and images of a request, brought into a form that the host takes: the one as text, the others in its limits.

In the proxy's process, where nothing that somebody sent is ever decoded:
- `preparation`  `Media`: a request in, one that the host takes out; what was read once is remembered
- `places`       where documents and images stand in a request, and the request with others in their place
- `wording`      what the model is told of a document or an image
- `library`      what comes of a document or an image, read once for all who ask; `kept` is what was read before
- `reader`       the other process: started, fed, timed, ended
- `task`         what is asked of it, and what it answers

In that process, `python -c` with the arguments of `reader`, which lives for one document or one image:
- `worker`       its main function; `confinement` is what it denies itself before it looks at the bytes
- `pdf`          text out of a PDF, with pypdf
- `image`        an image in the host's limits, with Pillow

Both libraries are imported by that process alone.
"""
