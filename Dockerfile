# syntax=docker/dockerfile:1
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/dingbridge ./cmd/dingbridge \
    && deploy/licences /out/licenses && mkdir -p /out/data /out/tmp && chmod 1777 /out/tmp

# Nothing but the binary, the certificates it trusts, the licences and a place for its state. Time zones are in the binary.
FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/licenses /usr/share/licenses
COPY --from=build /out/dingbridge /usr/local/bin/dingbridge
COPY --from=build --chown=65532:65532 /out/data /var/lib/dingbridge
COPY --from=build /out/tmp /tmp
COPY config.yaml /etc/dingbridge/config.yaml
USER 65532:65532
WORKDIR /var/lib/dingbridge
VOLUME /var/lib/dingbridge
ENV DINGBRIDGE_CONFIG=/etc/dingbridge/config.yaml \
    DINGBRIDGE_STORE=/var/lib/dingbridge/state.db
EXPOSE 8460
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["/usr/local/bin/dingbridge", "status", "--health"]
ENTRYPOINT ["/usr/local/bin/dingbridge"]
CMD ["run"]
