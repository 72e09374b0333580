# Stands for python:3.11-slim-bookworm where no registry can be reached: Debian's own Python 3.11.
FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 python3-venv \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* \
    && ln -s /usr/bin/python3 /usr/local/bin/python
CMD ["python"]
