FROM python:3.11-slim
WORKDIR /opt/causeway
COPY requirements/hub.txt requirements/
RUN pip install --no-cache-dir --require-hashes -r requirements/hub.txt
COPY . .
RUN pip install --no-cache-dir --no-deps --no-build-isolation . && useradd --system --home /park causeway
USER causeway
ENTRYPOINT ["causeway"]
