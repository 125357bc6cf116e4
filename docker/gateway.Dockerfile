# The retailer's server, in an image with nothing else in it: no shell, no package manager.
#
# From source:           docker build -f docker/gateway.Dockerfile -t besace-gateway .
# With a binary at hand: docker build -f docker/gateway.Dockerfile -t besace-gateway --target release target/release

ARG BUILDER=rust:1.95-bookworm
ARG BASE=debian:bookworm-slim

# What the image takes from the system: the certificates that the web trusts, one user, three folders. The server calls
# its witnesses, if it has any, and nobody else.
FROM ${BASE} AS system
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates
RUN mkdir -p /image/etc/ssl/certs /image/usr/bin /image/tmp /empty \
 && cp /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ \
 && echo 'besace:x:65532:65532::/gateway:/nonexistent' >/image/etc/passwd \
 && echo 'besace:x:65532:' >/image/etc/group \
 && echo 'hosts: files dns' >/image/etc/nsswitch.conf \
 && chmod 1777 /image/tmp

FROM scratch AS runtime
USER 65532:65532
# The mark that says how far the log was signed stands apart from the store: `compose.yaml` gives it a volume of its own.
ENV BESACE_GATEWAY_FOLDER=/gateway BESACE_GATEWAY_MARKS=/marks BESACE_GATEWAY_LISTEN=0.0.0.0:8480
EXPOSE 8480
# The signal that it ends on; the first process of a container does not hear the usual one.
STOPSIGNAL SIGINT
ENTRYPOINT ["/usr/bin/besace-gateway"]
CMD ["serve"]
HEALTHCHECK --interval=30s --timeout=10s --start-period=10s CMD ["/usr/bin/besace-gateway", "health"]

FROM system AS with-binary
COPY besace-gateway /image/usr/bin/besace-gateway
RUN ldd /image/usr/bin/besace-gateway | grep -o '/[^ ]*' | xargs -I{} cp -L --parents {} /image

FROM runtime AS release
COPY --from=with-binary /image /
COPY --from=system --chown=65532:65532 /empty /gateway
COPY --from=system --chown=65532:65532 /empty /marks
VOLUME /gateway

FROM ${BUILDER} AS build
WORKDIR /source
COPY . .
RUN cargo build --release --locked --package besace-gateway --bin besace-gateway

FROM system AS with-build
COPY --from=build /source/target/release/besace-gateway /image/usr/bin/besace-gateway
RUN ldd /image/usr/bin/besace-gateway | grep -o '/[^ ]*' | xargs -I{} cp -L --parents {} /image

FROM runtime AS source
COPY --from=with-build /image /
COPY --from=system --chown=65532:65532 /empty /gateway
COPY --from=system --chown=65532:65532 /empty /marks
VOLUME /gateway
