# The shopper's program, in an image with nothing else in it: no shell, no package manager.
#
# From source:           docker build -f docker/agent.Dockerfile -t besace .
# With a binary at hand: docker build -f docker/agent.Dockerfile -t besace --target release target/release

ARG BUILDER=rust:1.95-bookworm
ARG BASE=debian:bookworm-slim

# What the image takes from the system: the certificates that the web trusts, one user, three folders.
FROM ${BASE} AS system
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates
RUN mkdir -p /image/etc/ssl/certs /image/usr/bin /image/tmp /empty \
 && cp /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ \
 && echo 'besace:x:65532:65532::/vault:/nonexistent' >/image/etc/passwd \
 && echo 'besace:x:65532:' >/image/etc/group \
 && echo 'hosts: files dns' >/image/etc/nsswitch.conf \
 && chmod 1777 /image/tmp

FROM scratch AS runtime
USER 65532:65532
# A mark in the volume of the vault would go back with it: `compose.yaml` gives it one of its own.
ENV BESACE_VAULT=/vault BESACE_MARK=none BESACE_LISTEN=0.0.0.0:7878
EXPOSE 7878
ENTRYPOINT ["/usr/bin/besace"]
# Every address of the container; who reaches them is decided where the port is published.
CMD ["serve", "--listen-anywhere"]
HEALTHCHECK --interval=30s --timeout=10s --start-period=10s CMD ["/usr/bin/besace", "health"]

FROM system AS with-binary
COPY besace /image/usr/bin/besace
RUN ldd /image/usr/bin/besace | grep -o '/[^ ]*' | xargs -I{} cp -L --parents {} /image

FROM runtime AS release
COPY --from=with-binary /image /
COPY --from=system --chown=65532:65532 /empty /vault
COPY --from=system --chown=65532:65532 /empty /mark
VOLUME /vault

FROM ${BUILDER} AS build
WORKDIR /source
COPY . .
RUN cargo build --release --locked --package besace-agent --bin besace

FROM system AS with-build
COPY --from=build /source/target/release/besace /image/usr/bin/besace
RUN ldd /image/usr/bin/besace | grep -o '/[^ ]*' | xargs -I{} cp -L --parents {} /image

FROM runtime AS source
COPY --from=with-build /image /
COPY --from=system --chown=65532:65532 /empty /vault
COPY --from=system --chown=65532:65532 /empty /mark
VOLUME /vault
