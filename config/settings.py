"""All settings, read once from the environment, from `.env` in the project's root and from files that `NAME_FILE` names.

docs/settings.md explains each.

A duration's name says its unit. Whatever an operator may change is set here and in no other module, but for gunicorn's own six
(config/gunicorn.py). Each app's `checks.py` looks at the values when a process starts.
"""

import sys
import tomllib
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from config.environment import Env, checked_address, read_dotenv
from config.required import REQUIRED

BASE_DIR = Path(__file__).resolve().parent.parent

env = Env()
if env.bool("READ_DOTENV", default=True):
    read_dotenv(BASE_DIR / ".env")

DEBUG = env.bool("DEBUG", default=False)
# Names the code that runs, in heartbeats, health and metrics.
RELEASE = (
    env.str("RELEASE", default="") or tomllib.loads((BASE_DIR / "pyproject.toml").read_text())["project"]["version"]
)
SECRET_KEY = env.str("SECRET_KEY", default="development-only-key-not-for-production" if DEBUG else "")
if not SECRET_KEY:
    raise ImproperlyConfigured(
        "SECRET_KEY is not set: put a long random string into .env (or DEBUG=true to try things out)"
    )
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# Besides the app's own pages at Wix (config/door/cors.py).
CORS_ALLOWED_ORIGINS = env.list("CORS_ALLOWED_ORIGINS", default=[])
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_METHODS = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]
CORS_ALLOW_HEADERS = [
    "accept",
    "authorization",
    "content-type",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "last-event-id",
    "x-request-id",
]
CORS_EXPOSE_HEADERS = [
    "Allow",
    "ETag",
    "Idempotency-Replayed",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "X-Request-ID",
]
CORS_PREFLIGHT_MAX_AGE = 3_600

# False: a process that finds faults at its start says them, and starts (`blogs/preflight`).
PREFLIGHT_REFUSES = env.bool("PREFLIGHT_REFUSES", default=True)

ADMIN_SECOND_FACTOR = env.bool("ADMIN_SECOND_FACTOR", default=False)

INSTALLED_APPS = [
    "blogs",
    "credits",
    "wix",
    "workers",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.postgres",
]
# A worker serves no pages, and does without the memory of what serves them.
if sys.argv[1:2] != ["run_blog_worker"]:
    INSTALLED_APPS += [
        "rest_framework",
        "corsheaders",
        "django_ratelimit",
        # The files of Swagger UI, for the page at /api/docs.
        "drf_spectacular_sidecar",
        "whitenoise.runserver_nostatic",
        # Not AdminConfig, which imports all admin modules in every process: config/urls.py does that.
        "django.contrib.admin.apps.SimpleAdminConfig",
        "django.contrib.sessions",
        "django.contrib.messages",
        "django.contrib.staticfiles",
        "axes",
    ]
    if ADMIN_SECOND_FACTOR:
        INSTALLED_APPS += ["django_otp", "django_otp.plugins.otp_totp", "django_otp.plugins.otp_static"]

MIDDLEWARE = [
    "config.door.counted.CountedRequests",
    "config.request_id.RequestIdMiddleware",
    "config.door.content_policy.ContentPolicy",
    "config.door.rate_fields.RateFields",
    "config.door.desk_dialogs.DeskDialogs",
    # Above whatever may refuse a request: a page must be able to read why.
    "config.door.cors.AppPages",
    "config.door.front_door.FrontDoor",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.web.desk_only.Sessions",
    "config.web.staff_sessions.RenewSession",
    "django.middleware.common.CommonMiddleware",
    "config.web.desk_only.FormTokens",
    "config.web.desk_only.Logins",
    *(["config.web.desk_only.SecondFactor"] if ADMIN_SECOND_FACTOR else []),
    "config.web.desk_only.Messages",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "config.web.known_browsers.MarkBrowser",
    "config.web.password_checks.PasswordChecks",
    # It answers in place of the login page where a name or an address is locked.
    "config.web.desk_only.Locks",
    # Below those that say who is asking.
    "config.door.desk_questions.DeskQuestions",
]

ROOT_URLCONF = "config.urls"
CSRF_FAILURE_VIEW = "config.door.refusals.csrf_failure"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# --- Staff's logins ----------------------------------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
# Whose X-Forwarded-For is believed: addresses or networks.
TRUSTED_PROXIES = env.list("TRUSTED_PROXIES", default=[])
ADMIN_LOGIN_FAILURES = env.int("ADMIN_LOGIN_FAILURES", default=10)
ADMIN_LOGIN_LOCK_SECONDS = env.int("ADMIN_LOGIN_LOCK_SECONDS", default=900)
AXES_FAILURE_LIMIT = ADMIN_LOGIN_FAILURES
AXES_COOLOFF_TIME = timedelta(seconds=ADMIN_LOGIN_LOCK_SECONDS)
# Either locks: one address that tries many names, and one name that is tried from many addresses.
AXES_LOCKOUT_PARAMETERS = ["username", "ip_address"]
# … but not for a browser that this name has logged in with: a stranger could lock any name that is known.
AXES_WHITELIST_CALLABLE = "config.web.known_browsers.is_known"
AXES_CLIENT_IP_CALLABLE = "wix.identity.client_address.client_address"
# Or a stranger who goes on would keep a name locked for ever.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "config.door.refusals.locked_out"
AXES_COOLOFF_MESSAGE = "Too many failed logins. Try again later, or ask an operator."
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "otp_token"]
# The log tells of logins (`config/web/staff_sessions.py`); of failures the table keeps what it counts.
AXES_VERBOSE = False
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
OTP_TOTP_ISSUER = "Blog generation"
LOGIN_REDIRECT_URL = "/admin/"
# Since a session was last used.
SESSION_COOKIE_AGE = env.int("ADMIN_SESSION_SECONDS", default=8 * 3600)

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
# Makes the admin show times as log lines do, since support compares both. Django prefers a locale's format to DATETIME_FORMAT.
FORMAT_MODULE_PATH = "config.formats"

STATIC_URL = "static/"
# None: WhiteNoise serves static files from the packages. `collectstatic` would be one more command to forget.
STATIC_ROOT = None
WHITENOISE_USE_FINDERS = True

# --- Operators --------------------------------------------------------------------------------------------------------

# Who sees /metrics and the details of /health: who brings the token or comes from one of the networks. Open: all callers.
OPERATIONS_TOKEN = env.str("OPERATIONS_TOKEN", default="")
OPERATIONS_NETWORKS = env.list("OPERATIONS_NETWORKS", default=[])
OPERATIONS_OPEN = env.bool("OPERATIONS_OPEN", default=DEBUG)

# --- PostgreSQL -------------------------------------------------------------------------------------------------------

DATABASE_URL = env.str("DATABASE_URL", default="")
if not DATABASE_URL:
    raise ImproperlyConfigured(
        "DATABASE_URL is not set. `make demo`, `make run` and `make test` start a PostgreSQL of the project's own and "
        "set it; everywhere else name your server: DATABASE_URL=postgres://user:password@host:5432/name"
    )
checked_address("DATABASE_URL", DATABASE_URL)
# Names the server itself where DATABASE_URL leads to PgBouncer, because LISTEN needs a session of its own.
DATABASE_DIRECT_URL = env.str("DATABASE_DIRECT_URL", default="") or DATABASE_URL
checked_address("DATABASE_DIRECT_URL", DATABASE_DIRECT_URL)
_BEHIND_PGBOUNCER = DATABASE_DIRECT_URL != DATABASE_URL
# False: sessions change between transactions, so `workers.database.prepared` keeps no plans in them.
DATABASE_KEEPS_SESSIONS = not _BEHIND_PGBOUNCER
DATABASE_POOL_SIZE = env.int("DATABASE_POOL_SIZE", default=10)
DATABASE_POOL_OVERFLOW = env.int("DATABASE_POOL_OVERFLOW", default=3)
DATABASE_POOL_TIMEOUT_SECONDS = env.float("DATABASE_POOL_TIMEOUT_SECONDS", default=30)
# Shows in pg_stat_activity, so that an operator sees which process has a connection.
PROCESS_NAME = env.str("PROCESS_NAME", default="blogs")

# Let a process notice within seconds that the server's machine has gone. The kernel alone would wait two hours on a silent
# connection (keepalives), and a quarter of an hour for the acknowledgement of a statement (user timeout, in milliseconds).
DATABASE_CONNECT_OPTIONS = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
# Options of each session. The first frees the locks of a process that is stopped within a transaction: all workers may wait for
# them. The next four let the server notice that our machine has gone, and close its connections.
# PgBouncer refuses such options, because its clients share sessions. There deploy/pgbouncer.ini sets the first, and
# `manage.py check --database default` warns where it is missing.
DATABASE_SESSION_OPTIONS = " ".join(
    f"-c {name}={value}"
    for name, value in {
        "idle_in_transaction_session_timeout": "5s",
        "tcp_keepalives_idle": "5s",
        "tcp_keepalives_interval": "2s",
        "tcp_keepalives_count": "3",
        "tcp_user_timeout": "10s",
        # Applies to statements that `workers.database.prepared` keeps, and to foreign keys' checks, which PostgreSQL prepares.
        "plan_cache_mode": "force_generic_plan",
    }.items()
)

_database = Env.db_url_config(DATABASE_URL)
DATABASES = {
    "default": {
        **_database,
        "ENGINE": "config.pooled_postgresql",
        "CONN_MAX_AGE": 0,
        # PgBouncer would drop a server-side cursor at the end of its transaction.
        "DISABLE_SERVER_SIDE_CURSORS": _BEHIND_PGBOUNCER,
        "POOL_OPTIONS": {
            "size": DATABASE_POOL_SIZE,
            "overflow": DATABASE_POOL_OVERFLOW,
            "timeout_seconds": DATABASE_POOL_TIMEOUT_SECONDS,
            "recycle_seconds": 15 * 60,
        },
        "OPTIONS": {
            **_database.get("OPTIONS", {}),
            "application_name": PROCESS_NAME,
            **DATABASE_CONNECT_OPTIONS,
            **({} if _BEHIND_PGBOUNCER else {"options": DATABASE_SESSION_OPTIONS}),
        },
    }
}

CACHE_URL = env.str("CACHE_URL", default="")
CACHES = {
    "default": (
        {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": CACHE_URL}
        if CACHE_URL
        else {"BACKEND": "workers.database.counter_cache.CounterCache", "LOCATION": "workers_counter"}
    )
}
# Of each site's requests.
RATELIMIT_USE_CACHE = "default" if CACHE_URL else "requests"
if not CACHE_URL:
    CACHES["requests"] = {"BACKEND": "workers.database.shared_counts.SharedCounts", "LOCATION": "workers_counter"}
# W001 warns because the library's list of supported backends has none of these. All count across processes.
# The other two look for names in MIDDLEWARE; `config.web.desk_only` has these classes for the desk alone.
SILENCED_SYSTEM_CHECKS = ["django_ratelimit.W001", "security.W003", "axes.W002"]

# --- API --------------------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "wix.identity.auth.SignedInstance",
        "wix.identity.auth.DashboardToken",
        "wix.identity.auth.SiteApiKey",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["wix.identity.auth.IsConnectedSite"],
    "DEFAULT_THROTTLE_CLASSES": ["wix.identity.throttle.SiteThrottle"],
    "DEFAULT_PARSER_CLASSES": ["config.json_parser.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "blogs.api.openapi.view_schema.ViewSchema",
    "EXCEPTION_HANDLER": "blogs.api.errors.problems.problem_response",
    # `format` is a parameter of articles alone.
    "URL_FORMAT_OVERRIDE": None,
    "UNAUTHENTICATED_USER": None,
    "UNAUTHENTICATED_TOKEN": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Blog generation",
    "VERSION": "1",
    "DESCRIPTION": "Wix shops ask for blog posts, follow them, and read what was written. How to begin: docs/api.md.",
    "LICENSE": {"name": "MIT", "identifier": "MIT"},
    "OAS_VERSION": "3.1.0",
    "SERVERS": [{"url": "/", "description": "this service"}],
    "TAGS": [
        {"name": "Blogs", "description": "Ask for blogs, follow them, and read their articles."},
        {"name": "Acts", "description": "What a shop may do to a blog of its own."},
        {"name": "Credits", "description": "What a site can spend, and every entry of its account."},
        {"name": "Webhooks", "description": "A shop's own endpoints, and the messages that are sent to them."},
        {"name": "Account", "description": "What a site has besides its blogs."},
        {"name": "Service", "description": "Open to all: this description, errors, limits and health."},
    ],
    "SCHEMA_PATH_PREFIX": "/api",
    "SCHEMA_PATH_PREFIX_TRIM": False,
    "COMPONENT_SPLIT_PATCH": False,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "PREPROCESSING_HOOKS": ["blogs.api.openapi.finish.without_slashes"],
    "POSTPROCESSING_HOOKS": ["blogs.api.openapi.finish.finished"],
}
SITE_REQUESTS_PER_MINUTE = env.int("SITE_REQUESTS_PER_MINUTE", default=6_000)
# In one web process: those that a thread answers, and those that wait for one.
SITE_REQUESTS_AT_ONCE = env.int("SITE_REQUESTS_AT_ONCE", default=32)
DATA_UPLOAD_MAX_MEMORY_SIZE = env.int("REQUEST_BODY_MAX_BYTES", default=64 * 1024)

# --- Live events, in a process of their own (`config/streams`) -----------------------------------------------------------

LIVE_EVENTS_BIND = env.str("LIVE_EVENTS_BIND", default="127.0.0.1:3001")
LIVE_EVENTS_THREADS = env.int("LIVE_EVENTS_THREADS", default=16)
LIVE_EVENTS_LISTENERS_MAX = env.int("LIVE_EVENTS_LISTENERS_MAX", default=1_000)
LIVE_EVENTS_LISTENERS_PER_SITE = env.int("LIVE_EVENTS_LISTENERS_PER_SITE", default=20)
LIVE_EVENTS_POLL_SECONDS = env.float("LIVE_EVENTS_POLL_SECONDS", default=0.3)
LIVE_EVENTS_HEARTBEAT_SECONDS = env.float("LIVE_EVENTS_HEARTBEAT_SECONDS", default=15)
LIVE_EVENTS_RECHECK_SECONDS = env.float("LIVE_EVENTS_RECHECK_SECONDS", default=5)
LIVE_EVENTS_RESUME_MAX = env.int("LIVE_EVENTS_RESUME_MAX", default=50_000)

# --- Queue and credits ------------------------------------------------------------------------------------------------

BLOG_CREDITS = env.int("BLOG_CREDITS", default=25)
TRIAL_CREDITS = env.int("TRIAL_CREDITS", default=50)
BLOG_QUEUE_LIMIT = env.int("BLOG_QUEUE_LIMIT", default=10_000)
# How often a site may ask in a day (UTC) for ten ideas without blogs. They cost it nothing.
IDEA_ORDERS_PER_DAY = env.int("IDEA_ORDERS_PER_DAY", default=5)
BLOG_FAILED_LIMIT_PER_SITE = env.int("BLOG_FAILED_LIMIT_PER_SITE", default=20)
BLOG_SCHEDULED_LIMIT_PER_SITE = env.int("BLOG_SCHEDULED_LIMIT_PER_SITE", default=1_000)
BLOG_MAX_ATTEMPTS = env.int("BLOG_MAX_ATTEMPTS", default=5)
BLOG_MAX_RESCUES = env.int("BLOG_MAX_RESCUES", default=10)
BLOG_BACKOFF_SECONDS = env.float("BLOG_BACKOFF_SECONDS", default=10)
BLOG_BACKOFF_MAX_SECONDS = env.float("BLOG_BACKOFF_MAX_SECONDS", default=600)
BLOG_MAX_DEFERRAL_SECONDS = env.float("BLOG_MAX_DEFERRAL_SECONDS", default=24 * 3600)
BLOG_IMAGE_PATIENCE_SECONDS = env.float("BLOG_IMAGE_PATIENCE_SECONDS", default=600)
BLOG_IMAGE_MAX_AGE_SECONDS = env.float("BLOG_IMAGE_MAX_AGE_SECONDS", default=2_400)
BLOG_DRAFT_LOOKUP_SECONDS = env.float("BLOG_DRAFT_LOOKUP_SECONDS", default=90)
BLOG_DRAFT_SWEEP_SECONDS = env.float("BLOG_DRAFT_SWEEP_SECONDS", default=600)
BLOG_QUALITY_THRESHOLD = env.int("BLOG_QUALITY_THRESHOLD", default=50)
BLOG_RETENTION_DAYS = env.float("BLOG_RETENTION_DAYS", default=180)
DESK_CREDITS_CAP = env.int("DESK_CREDITS_CAP", default=1_000)
BATCH_BLOGS_PER_SECOND = env.int("BATCH_BLOGS_PER_SECOND", default=100)

# --- Worker -----------------------------------------------------------------------------------------------------------

BLOG_WORKER_THREADS = env.int("BLOG_WORKER_THREADS", default=50)
BLOG_WORKER_BATCH_SIZE = env.int("BLOG_WORKER_BATCH_SIZE", default=100)
BLOG_WORKER_SITE_SEATS = env.int("BLOG_WORKER_SITE_SEATS", default=20)
BLOG_WORKER_POLL_SECONDS = env.float("BLOG_WORKER_POLL_SECONDS", default=10)
BLOG_WORKER_LEASE_SECONDS = env.float("BLOG_WORKER_LEASE_SECONDS", default=20)
BLOG_WORKER_LEASE_RENEW_SECONDS = env.float("BLOG_WORKER_LEASE_RENEW_SECONDS", default=5)
BLOG_WORKER_HEARTBEAT_LOG_SECONDS = env.float("BLOG_WORKER_HEARTBEAT_LOG_SECONDS", default=30)
BLOG_WORKER_DRAIN_SECONDS = env.float("BLOG_WORKER_DRAIN_SECONDS", default=120)
# A file that the worker touches while it lives, for a container's health check (`config/healthcheck.py`). Empty: none.
BLOG_WORKER_ALIVE_PATH = env.str("BLOG_WORKER_ALIVE_PATH", default="")

STAGE_DEADLINE_SECONDS: dict[str, float] = {
    "products": env.float("STAGE_PRODUCTS_DEADLINE_SECONDS", default=60),
    "idea": env.float("STAGE_IDEA_DEADLINE_SECONDS", default=120),
    "image_order": env.float("STAGE_IMAGE_ORDER_DEADLINE_SECONDS", default=60),
    "article": env.float("STAGE_ARTICLE_DEADLINE_SECONDS", default=180),
    "image": env.float("STAGE_IMAGE_DEADLINE_SECONDS", default=120),
    "media": env.float("STAGE_MEDIA_DEADLINE_SECONDS", default=90),
    "draft": env.float("STAGE_DRAFT_DEADLINE_SECONDS", default=90),
    "publish": env.float("STAGE_PUBLISH_DEADLINE_SECONDS", default=60),
}

# --- Shared limits ----------------------------------------------------------------------------------------------------

OPENAI_MODEL = env.str("OPENAI_MODEL", default="gpt-4.1-mini")
# What all processes together may send a provider in a minute. Wix's `wix` holds for each site; `wix_token_info` for all sites.
RATE_LIMITS: dict[str, dict[str, int]] = {
    "openai": {
        "requests": env.int("OPENAI_REQUESTS_PER_MINUTE", default=450),
        "tokens": env.int("OPENAI_TOKENS_PER_MINUTE", default=450_000),
    },
    "replicate": {"requests": env.int("REPLICATE_REQUESTS_PER_MINUTE", default=450)},
    "replicate_reads": {"requests": env.int("REPLICATE_READS_PER_MINUTE", default=3_000)},
    "wix": {"requests": env.int("WIX_REQUESTS_PER_MINUTE", default=200)},
    "wix_token_info": {"requests": env.int("WIX_TOKEN_INFO_REQUESTS_PER_MINUTE", default=600)},
    # Slack takes one message a second.
    "alert_webhook": {"requests": 30},
    # Of each shop, to its own webhook endpoints.
    "webhook_receiver": {"requests": env.int("OUTGOING_WEBHOOK_REQUESTS_PER_MINUTE", default=1_200)},
}
RATE_LIMIT_HORIZON_SECONDS = env.float("RATE_LIMIT_HORIZON_SECONDS", default=2)
RATE_LIMIT_LATE_SECONDS = env.float("RATE_LIMIT_LATE_SECONDS", default=0.25)
RATE_LIMIT_MAX_WAIT_SECONDS = env.float("RATE_LIMIT_MAX_WAIT_SECONDS", default=60)
RATE_LIMIT_TOKEN_REFUND = env.float("RATE_LIMIT_TOKEN_REFUND", default=0)
RATE_LIMIT_FOLLOW_PROVIDER = env.str("RATE_LIMIT_FOLLOW_PROVIDER", default="lower")
RATE_LIMIT_FOLLOW_SECONDS = env.float("RATE_LIMIT_FOLLOW_SECONDS", default=600)
RATE_LIMIT_LOWER_FACTOR = env.float("RATE_LIMIT_LOWER_FACTOR", default=0.8)
RATE_LIMIT_LOWER_FLOOR = env.float("RATE_LIMIT_LOWER_FLOOR", default=0.3)
RATE_LIMIT_LOWER_AGAIN_SECONDS = env.float("RATE_LIMIT_LOWER_AGAIN_SECONDS", default=5)
RATE_LIMIT_RECOVERY_SECONDS = env.float("RATE_LIMIT_RECOVERY_SECONDS", default=20)
RATE_LIMIT_RAMP_GROWTH = env.float("RATE_LIMIT_RAMP_GROWTH", default=0.5)
# No wait that an answer names is believed beyond this (`workers/outbound/retry_after.py`).
RETRY_AFTER_MAX_SECONDS = env.float("RETRY_AFTER_MAX_SECONDS", default=7_200)
# Times the blogs in flight that would just use the limits up (`workers/pool/pace.py`). 0: every seat is filled.
BLOG_EXPECTED_SECONDS = env.float("BLOG_EXPECTED_SECONDS", default=65)
WORKS_IN_FLIGHT_HEADROOM = env.float("WORKS_IN_FLIGHT_HEADROOM", default=1.2)
# At least BLOG_RETENTION_DAYS: `prune_generations` archives a blog together with its calls.
PROVIDER_CALL_RETENTION_DAYS = env.float("PROVIDER_CALL_RETENTION_DAYS", default=190)
# When a provider counts as down for all callers (`workers/outbound/breakers.py`), and how often a probe tries it meanwhile.
BREAKER_FAILURES = env.int("BREAKER_FAILURES", default=5)
BREAKER_SITES = env.int("BREAKER_SITES", default=3)
BREAKER_WINDOW_SECONDS = env.float("BREAKER_WINDOW_SECONDS", default=60)
BREAKER_PROBE_SECONDS = env.float("BREAKER_PROBE_SECONDS", default=15)
# When a worker's release counts as broken (`workers/pool/verdict.py`), and how often one blog tries it meanwhile.
RELEASE_BROKEN_ERRORS = env.int("RELEASE_BROKEN_ERRORS", default=5)
RELEASE_BROKEN_SITES = env.int("RELEASE_BROKEN_SITES", default=3)
RELEASE_BROKEN_SHARE = env.float("RELEASE_BROKEN_SHARE", default=0.3)
RELEASE_BROKEN_WINDOW_SECONDS = env.float("RELEASE_BROKEN_WINDOW_SECONDS", default=600)
RELEASE_PROBE_SECONDS = env.float("RELEASE_PROBE_SECONDS", default=15)

# --- Alerts -----------------------------------------------------------------------------------------------------------

ALERT_QUEUE_WARNING = env.int("ALERT_QUEUE_WARNING", default=1_000)
ALERT_QUEUE_CRITICAL = env.int("ALERT_QUEUE_CRITICAL", default=5_000)
ALERT_BLOGS_PER_MINUTE = env.int("ALERT_BLOGS_PER_MINUTE", default=10)
ALERT_ERROR_SHARE = env.float("ALERT_ERROR_SHARE", default=0.05)
ALERT_ERROR_MIN = env.int("ALERT_ERROR_MIN", default=3)
ALERT_LIMIT_USE = env.float("ALERT_LIMIT_USE", default=0.9)
ALERT_WINDOW_SECONDS = env.float("ALERT_WINDOW_SECONDS", default=300)
ALERT_DOLLARS_PER_DAY = env.float("ALERT_DOLLARS_PER_DAY", default=0)
ALERT_WEBHOOK_URL = env.str("ALERT_WEBHOOK_URL", default="")
ALERT_WEBHOOK_FORM = env.str("ALERT_WEBHOOK_FORM", default="slack")

# --- OpenAI, Replicate, Wix -------------------------------------------------------------------------------------------

# The worker and `check --deploy` name those that are empty.
REQUIRED_SETTINGS = tuple(REQUIRED)

OPENAI_API_KEY = env.str("OPENAI_API_KEY", default="")
OPENAI_BASE_URL = env.str("OPENAI_BASE_URL", default="https://api.openai.com/v1")
# What servers that speak OpenAI's language may lack: strict schemas, and the newer name of the output maximum.
OPENAI_ANSWER_FORMAT = env.str("OPENAI_ANSWER_FORMAT", default="json_schema")
OPENAI_MAX_TOKENS_FIELD = env.str("OPENAI_MAX_TOKENS_FIELD", default="max_completion_tokens")
# For how many waiting blogs of a site one call asks for ideas.
OPENAI_IDEAS_PER_CALL = env.int("OPENAI_IDEAS_PER_CALL", default=10)
OPENAI_IDEA_MAX_TOKENS = env.int("OPENAI_IDEA_MAX_TOKENS", default=900)
OPENAI_ARTICLE_MAX_TOKENS: dict[str, int] = {
    "short": env.int("OPENAI_ARTICLE_SHORT_MAX_TOKENS", default=2_400),
    "medium": env.int("OPENAI_ARTICLE_MEDIUM_MAX_TOKENS", default=3_600),
    "long": env.int("OPENAI_ARTICLE_LONG_MAX_TOKENS", default=5_600),
}
# When a critic reads an article: off, suspicious (where the gate is not sure, or the post is to be published), always.
OPENAI_CRITIC = env.str("OPENAI_CRITIC", default="suspicious")
OPENAI_CRITIC_MAX_TOKENS = env.int("OPENAI_CRITIC_MAX_TOKENS", default=600)
OPENAI_CRITIC_SECONDS = env.float("OPENAI_CRITIC_SECONDS", default=45)
OPENAI_REPAIR_MAX_TOKENS = env.int("OPENAI_REPAIR_MAX_TOKENS", default=900)
# Bounds, as shares of the maxima above, of the maxima that `blogs.providers.token_reserve` learns from the last answers.
OPENAI_MAX_TOKENS_LEARN_FROM = env.int("OPENAI_MAX_TOKENS_LEARN_FROM", default=200)
OPENAI_MAX_TOKENS_FLOOR = env.float("OPENAI_MAX_TOKENS_FLOOR", default=0.3)
OPENAI_MAX_TOKENS_CEILING = env.float("OPENAI_MAX_TOKENS_CEILING", default=2)

REPLICATE_API_TOKEN = env.str("REPLICATE_API_TOKEN", default="")
REPLICATE_BASE_URL = env.str("REPLICATE_BASE_URL", default="https://api.replicate.com")
REPLICATE_MODEL = env.str("REPLICATE_MODEL", default="black-forest-labs/flux-schnell")
REPLICATE_FILE_HOSTS = env.list("REPLICATE_FILE_HOSTS", default=["replicate.delivery"])
REPLICATE_POLL_SECONDS = env.float("REPLICATE_POLL_SECONDS", default=2)

WIX_APP_ID = env.str("WIX_APP_ID", default="")
WIX_APP_SECRET = env.str("WIX_APP_SECRET", default="")
# Also verifies, while the secret is changed. It signs nothing.
WIX_APP_SECRET_PREVIOUS = env.str("WIX_APP_SECRET_PREVIOUS", default="")
WIX_TOKEN_INFO_CACHE_SECONDS = env.float("WIX_TOKEN_INFO_CACHE_SECONDS", default=300)
WIX_TOKEN_INFO_REFUSED_SECONDS = env.float("WIX_TOKEN_INFO_REFUSED_SECONDS", default=30)
WIX_TOKEN_INFO_THREADS = env.int("WIX_TOKEN_INFO_THREADS", default=6)
WIX_BASE_URL = env.str("WIX_BASE_URL", default="https://www.wixapis.com")
# Where browsers load pictures from, those that Wix keeps.
WIX_MEDIA_BASE_URL = env.str("WIX_MEDIA_BASE_URL", default="https://static.wixstatic.com").rstrip("/")
WIX_UPLOAD_HOSTS = env.list("WIX_UPLOAD_HOSTS", default=["wixmp.com", "wix.com", "wixapis.com"])
# Each text holds PEMs or base64 (`wix/webhooks/public_keys.py`). There are two keys while the key is changed.
WIX_WEBHOOK_PUBLIC_KEYS = env.list("WIX_WEBHOOK_PUBLIC_KEYS", default=[])
# Development only: `manage.py send_webhook` signs with this key, and only with DEBUG do we accept its signature.
WIX_WEBHOOK_DEV_PRIVATE_KEY_FILE = env.str(
    "WIX_WEBHOOK_DEV_PRIVATE_KEY_FILE", default=str(BASE_DIR / ".local" / "webhook-dev-key.pem") if DEBUG else ""
)
WEBHOOK_RETENTION_DAYS = env.float("WEBHOOK_RETENTION_DAYS", default=90)
# Webhooks to shops' own addresses. Loopback, by http too: for development and tests.
OUTGOING_WEBHOOK_SECONDS = env.float("OUTGOING_WEBHOOK_SECONDS", default=15)
OUTGOING_WEBHOOK_PORTS = [int(port) for port in env.list("OUTGOING_WEBHOOK_PORTS", default=["443", "8443"])]
OUTGOING_WEBHOOK_LOOPBACK = env.bool("OUTGOING_WEBHOOK_LOOPBACK", default=False)
OUTGOING_WEBHOOK_OFF_AFTER_DAYS = env.float("OUTGOING_WEBHOOK_OFF_AFTER_DAYS", default=5)
OUTGOING_WEBHOOK_CREDITS_LOW_SHARE = env.float("OUTGOING_WEBHOOK_CREDITS_LOW_SHARE", default=0.2)
WIX_AUTHOR_EMAIL_DOMAIN = env.str("WIX_AUTHOR_EMAIL_DOMAIN", default="authors.invalid")
WIX_MEDIA_POLL_SECONDS = env.float("WIX_MEDIA_POLL_SECONDS", default=1)
WIX_MEDIA_STUCK_SECONDS = env.float("WIX_MEDIA_STUCK_SECONDS", default=40)
WIX_CATALOGUE_MAX_AGE_SECONDS = env.float("WIX_CATALOGUE_MAX_AGE_SECONDS", default=3_600)

# --- Logging ----------------------------------------------------------------------------------------------------------

LOG_FORMAT = env.str("LOG_FORMAT", default="console" if DEBUG else "json")
LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
SENTRY_DSN = env.str("SENTRY_DSN", default="")
if SENTRY_DSN and find_spec("sentry_sdk") is None:
    raise ImproperlyConfigured(
        "SENTRY_DSN is set, and sentry-sdk is not installed:"
        " install requirements-sentry.txt in place of requirements.txt, or take SENTRY_DSN out."
    )
_SENTRY = {
    "()": "config.sentry.SentryHandler",
    "filters": ["context"],
    "dsn": SENTRY_DSN,
    "release": RELEASE,
    "environment": "development" if DEBUG else "production",
}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "context": {"()": "config.logging.ContextFilter"},
        "bounded": {"()": "config.logging.BoundedFilter"},
        "unavailable": {"()": "config.logging.UnavailableFilter"},
    },
    "formatters": {
        "json": {"()": "config.logging.JsonLines"},
        "console": {"()": "config.logging.ConsoleLines"},
    },
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "filters": ["bounded", "context"]},
        **({"sentry": _SENTRY} if SENTRY_DSN else {}),
    },
    "root": {"handlers": ["stderr", *(["sentry"] if SENTRY_DSN else [])], "level": LOG_LEVEL},
    "loggers": {
        # Silent below WARNING: the SDKs' request lines repeat ours, without blog and site.
        "httpx": {"level": "WARNING"},
        "httpx2": {"level": "WARNING"},
        "openai": {"level": "WARNING"},
        "axes": {"level": "ERROR"},
        # Logs errors alone: `blogs.api.errors.problems` logs a line for a refused request, and the views one for a lost database.
        "django.request": {"level": "ERROR", "filters": ["unavailable"]},
        # An error with its traceback for each request that Django finds suspicious. `blogs.api.errors.problems` logs a line.
        "django.security": {"level": "CRITICAL"},
        "django.security.csrf": {"level": "WARNING"},
        "uvicorn": {"level": "WARNING"},
    },
}

# --- Production -------------------------------------------------------------------------------------------------------

# The admin is the only HTML that we serve, and no page may frame it: the page in Wix's dashboard is served elsewhere.
X_FRAME_OPTIONS = "DENY"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("BEHIND_HTTPS_PROXY", default=False) else None
SECURE_SSL_REDIRECT = env.bool("HTTPS_ONLY", default=False)
# What probes, Prometheus and operators ask, by any name or address: `config.door.front_door` looks at the same list.
SECURE_REDIRECT_EXEMPT = [
    r"^metrics/?\Z",
    r"^health(/(live|ready|workers))?/?\Z",
    r"^api/(replicate-)?rate-limiter/stats/?\Z",
]
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=31_536_000 if SECURE_SSL_REDIRECT else 0)
# Both concern hosts that are not ours, and browsers' lists keep the second for months: only who asks for them gets them.
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("HSTS_SUBDOMAINS", default=False)
SECURE_HSTS_PRELOAD = env.bool("HSTS_PRELOAD", default=False)
SILENCED_SYSTEM_CHECKS += [] if SECURE_HSTS_INCLUDE_SUBDOMAINS else ["security.W005"]
SILENCED_SYSTEM_CHECKS += [] if SECURE_HSTS_PRELOAD else ["security.W021"]
SESSION_COOKIE_SECURE = SECURE_SSL_REDIRECT
CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT
