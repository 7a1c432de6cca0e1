FROM python:3.11-slim-trixie
# pg_dump of the server's own version, for `causeway backup`.
RUN apt-get update && apt-get install -y --no-install-recommends postgresql-client-17 && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/causeway
COPY requirements/hub.txt requirements/
RUN pip install --no-cache-dir --require-hashes -r requirements/hub.txt
COPY . .
RUN pip install --no-cache-dir --no-deps --no-build-isolation . && useradd --system --uid 1000 --home /park causeway
USER causeway
ENTRYPOINT ["causeway"]
