"""Traffic to servers outside of the installation: webhooks, pings of WebSub hubs, and polls of feeds.

It consumes the event log, and emits SubmitArticles for the documents of polled feeds.
"""
