"""Traffic to servers outside of the installation: webhooks, and pings of WebSub hubs. It consumes the event log."""
