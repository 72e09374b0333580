# Stands for prom/prometheus where no registry can be reached: Debian's, which is older, with the same user and folders.
FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends prometheus \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /etc/prometheus/* \
    && mkdir -p /prometheus \
    && chown 65534:65534 /prometheus
USER 65534
ENTRYPOINT ["prometheus"]
