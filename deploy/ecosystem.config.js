// For pm2: `PM2_KILL_SIGNAL=SIGTERM pm2 start deploy/ecosystem.config.js`. The signal matters: pm2's own, SIGINT, makes gunicorn drop
// what it is answering. docs/deployment.md says when this is a choice.
module.exports = {
  apps: [
    {
      name: "blogs-web",
      cwd: "/opt/blogs/current",
      script: ".venv/bin/python",
      args: "-m gunicorn -c config/gunicorn.py config.wsgi",
      interpreter: "none",
      env: { PROCESS_NAME: "blogs-web", BIND: "127.0.0.1:3000" },
      // Over gunicorn's graceful_timeout of 20 s. The signal is for the first process alone, which tells its children.
      kill_timeout: 40000,
      treekill: false,
      exp_backoff_restart_delay: 1000,
    },
    {
      name: "blogs-events",
      cwd: "/opt/blogs/current",
      script: ".venv/bin/python",
      args: "-m config.streams",
      interpreter: "none",
      exec_mode: "fork",
      env: { PROCESS_NAME: "blogs-events" },
      treekill: false,
      exp_backoff_restart_delay: 1000,
    },
    {
      name: "blogs-worker",
      cwd: "/opt/blogs/current",
      script: ".venv/bin/python",
      args: "manage.py run_blog_worker",
      interpreter: "none",
      exec_mode: "fork",
      instances: 2,
      env: { PROCESS_NAME: "blogs-worker" },
      // Over BLOG_WORKER_DRAIN_SECONDS (120): a worker finishes what runs before it leaves.
      kill_timeout: 150000,
      treekill: false,
      exp_backoff_restart_delay: 1000,
    },
  ],
};
