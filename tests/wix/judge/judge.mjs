// Answers one question a line, in order: {"ask": "ricos", "documents": […]} -> [[…errors], …]. Wix's packages decide, not we.

import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { operationsOf, requestsJudged, tokenRequests } from './wire.mjs';
import { delivered } from './webhook.mjs';

const require = createRequire(import.meta.url);

function documentsJudged(documents) {
    const { validateRicosDocument } = require('ricos-schema/next');
    return documents.map((document) => {
        try {
            return (validateRicosDocument(document).errors ?? []).map(({ instancePath, message }) => `${instancePath.join('/')}: ${message}`);
        } catch (error) {
            return [`it breaks the validator: ${error.message}`]; // null where a text is wanted
        }
    });
}

const ANSWERS = {
    ricos: ({ documents }) => documentsJudged(documents),
    webhook: ({ bodies, publicKey }) => Promise.all(bodies.map((body) => delivered(body, publicKey))),
    operations: ({ requests }) => operationsOf(requests),
    wire: ({ requests }) => requestsJudged(requests),
    tokens: ({ appId, secret, instanceId }) => tokenRequests(appId, secret, instanceId),
};

for await (const line of createInterface({ input: process.stdin })) {
    const question = JSON.parse(line);
    let answer;
    try {
        answer = { answer: await ANSWERS[question.ask](question) };
    } catch (error) {
        answer = { error: String(error.stack) };
    }
    process.stdout.write(JSON.stringify(answer) + '\n');
}
