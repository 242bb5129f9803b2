revoke update (has_attachment) on messages from backchannel_app;
