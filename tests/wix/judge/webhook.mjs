// What an app that is built on @wix/sdk makes of a webhook's body.

import { AppStrategy, createClient } from '@wix/sdk';

export async function delivered(body, publicKey) {
    const client = createClient({ auth: AppStrategy({ appId: 'any', publicKey }), modules: {} });
    try {
        const { eventType, instanceId, payload } = await client.webhooks.process(body);
        return { valid: true, eventType, instanceId, data: writable(payload) };
    } catch (error) {
        return { valid: false, reason: `${error.name}: ${error.message}` };
    }
}

// JavaScript parses JSON of any depth, and writes it only to some.
function writable(payload) {
    try {
        JSON.stringify(payload);
        return payload;
    } catch {
        return null;
    }
}
