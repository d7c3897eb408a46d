# docker build -t etcdrestore:0.1.0 .
# Strategy Rebuild needs the rke program: --build-arg RKE_URL=https://… --build-arg RKE_SHA256=… puts it into
# the image; or mount a volume that holds it and run `operator --rke=/programs/rke`.
FROM debian:bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends \
      g++ cmake ninja-build ccache pkg-config dpkg-dev make ca-certificates curl git libssl-dev \
      libcurl4-openssl-dev nlohmann-json3-dev libyaml-cpp-dev prometheus-cpp-dev libfmt-dev \
      libcli11-dev libzip-dev zlib1g-dev libgtest-dev libgmock-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY tests/deps tests/deps/
RUN tests/deps/libssh2.sh && tests/deps/libcurl.sh --must
COPY . .
RUN cmake --preset release \
    && cmake --build --preset release --target etcdrestore \
    && strip -o /etcdrestore build/release/operator/etcdrestore
ARG RKE_URL=
ARG RKE_SHA256=
RUN mkdir /programs && cp /etcdrestore /programs/ && ln -s etcdrestore /programs/kubectl-etcdrestore \
    && if [ -n "$RKE_URL" ]; then \
         curl -fsSL -o /programs/rke "$RKE_URL" \
         && echo "$RKE_SHA256  /programs/rke" | sha256sum -c - \
         && chmod 755 /programs/rke; \
       fi

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends \
      ca-certificates libssl3 libyaml-cpp0.7 libprometheus-cpp-core1.0 libfmt9 libzip4 zlib1g \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /programs/ /usr/local/bin/
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/etcdrestore"]
CMD ["operator"]
