# Backchannel in a container: docker build -t backchannel .
# Its three servers come from the environment; "migrate", "doctor" and the other commands work too.

ARG PYTHON=3.13.14-slim-trixie

FROM python:${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build

# What changes seldom comes first. Tools stay in this stage, the environment itself has not even pip.
COPY requirements/ requirements/
RUN pip install --require-hashes -r requirements/build.txt
RUN python -m venv --without-pip /opt/backchannel
# "motor" for a directory that is read with Motor.
ARG LOCK=runtime
RUN pip --python /opt/backchannel/bin/python install --require-hashes --no-deps --only-binary :all: \
    -r requirements/${LOCK}.txt

COPY . .
RUN pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
    && pip --python /opt/backchannel/bin/python install --no-deps --no-index dist/*.whl


FROM python:${PYTHON}
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin backchannel
COPY --from=build /opt/backchannel /opt/backchannel
ENV PATH=/opt/backchannel/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    BACKCHANNEL_HOST=0.0.0.0
USER 10001
WORKDIR /opt/backchannel
EXPOSE 8000
# Not urllib: it would go through a proxy when the environment names one.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD ["python", "-ISc", "import http.client, os; c = http.client.HTTPConnection('127.0.0.1', int(os.environ.get('BACKCHANNEL_PORT', 8000)), timeout=2); c.request('GET', '/healthz'); raise SystemExit(c.getresponse().status != 200)"]
# In this form the program is process 1 and hears SIGTERM itself.
ENTRYPOINT ["backchannel"]
CMD ["serve"]
