"""`/api/webhooks`: the endpoints of a shop, to which we send what happens to its blogs."""
