// Which operation of Wix's packages a recorded request is, and what their types say of its query and body.

import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AppStrategy } from '@wix/sdk';

const require = createRequire(import.meta.url);
const FOLDER = dirname(fileURLToPath(import.meta.url));
const HOST = 'www.wixapis.com';
const PACKAGES = Object.keys(require('./package.json').dependencies).filter((name) => name.includes('/auto_sdk_'));

let known;

// A package may know several addresses for one method. A query has a twin by POST, for what is too long for an address.
function operations() {
    const modules = require('@wix/sdk-runtime/rest-modules');
    const { resolveUrl } = modules;
    let lookedUp = [];
    modules.resolveUrl = (options) => {
        lookedUp.push(options);
        return resolveUrl(options);
    };
    const all = [];
    for (const name of PACKAGES) {
        for (const [method, describe] of Object.entries(require(`${name}/meta`))) {
            if (typeof describe !== 'function') continue;
            const description = describe();
            lookedUp = [];
            description.getUrl({ host: HOST });
            const [first] = lookedUp;
            const byPost = lookedUp.length > 1 && /\/(query(-platformized)?|search|count)$/.test(first.protoPath) ? ['POST'] : [];
            for (const { srcPath, destPath } of first.domainToMappings[HOST] ?? []) {
                if (!first.protoPath.startsWith(destPath)) continue;
                const path = srcPath + first.protoPath.slice(destPath.length);
                for (const verb of [description.httpMethod, ...byPost]) {
                    all.push({ package: name, name: method, method: verb, path, pattern: pattern(path) });
                }
            }
        }
    }
    modules.resolveUrl = resolveUrl;
    return all.sort((one, other) => parameters(one.path).length - parameters(other.path).length);
}

const parameters = (path) => [...path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name);
const pattern = (path) => new RegExp(`^${path.replace(/[.]/g, '\\.').replace(/\{[^}]+\}/g, '([^/]+)')}$`);

function found({ method, target }) {
    known ??= operations();
    const { pathname } = new URL(target, `https://${HOST}`);
    for (const operation of known) {
        const match = operation.method === method && operation.pattern.exec(pathname);
        if (match) return { operation, match };
    }
    return {};
}

const named = (operation) => (operation ? `${operation.package.split('auto_sdk_')[1]} ${operation.name}` : null);

export const operationsOf = (requests) => requests.map((request) => named(found(request).operation));

export function requestsJudged(requests) {
    const judged = requests.map((request) => {
        const { operation, match } = found(request);
        return operation ? { operation, whole: whole(operation, match, request) } : {};
    });
    const problems = typeProblems(judged);
    return judged.map(({ operation }, number) => ({ operation: named(operation), problems: problems[number] }));
}

// Wix's gateway makes one message of path, query and body.
function whole(operation, match, { target, body }) {
    const query = new URL(target, `https://${HOST}`).searchParams;
    const message = structuredClone(body ?? {});
    parameters(operation.path).forEach((name, number) => put(message, name, decodeURIComponent(match[number + 1])));
    for (const name of new Set(query.keys())) {
        const values = query.getAll(name).map(typed);
        put(message, name, values.length > 1 ? values : values[0]);
    }
    return message;
}

function put(message, name, value) {
    const path = name.split('.');
    const last = path.pop();
    path.reduce((part, step) => (part[step] ??= {}), message)[last] = value;
}

const typed = (value) => (/^(\d{1,15}|true|false)$/.test(value) ? JSON.parse(value) : value);

// In JSON a time is a string; in a query a list of one looks like its only value.
const WIRE = `
type Wire<T> = 0 extends 1 & T ? any : T extends Date ? string : T extends (infer U)[] ? Wire<U>[]
    : T extends object ? { [K in keyof T]: Wire<T[K]> } : T;
type Query<T> = 0 extends 1 & T ? any : T extends Date ? string : T extends (infer U)[] ? Query<U> | Query<U>[]
    : T extends object ? { [K in keyof T]: Query<T[K]> } : T;
`;

const OPTIONS = { strict: true, skipLibCheck: true, noEmit: true, types: [], lib: ['lib.es2022.d.ts'] };
const parsed = new Map();

// Of a package only its wire form is read, and once: what that imports is the SDK's form, ten times as large.
function compilerHost(ts, file, text) {
    const host = ts.createCompilerHost(OPTIONS);
    const { getSourceFile, fileExists, readFile } = host;
    host.getSourceFile = (name, ...more) => {
        if (name === file) return ts.createSourceFile(name, text, ts.ScriptTarget.ES2022);
        if (!parsed.has(name)) parsed.set(name, getSourceFile(name, ...more));
        return parsed.get(name);
    };
    host.fileExists = (name) => name === file || fileExists(name);
    host.readFile = (name) => (name === file ? text : readFile(name));
    host.resolveModuleNameLiterals = (literals, from) =>
        literals.map(({ text: name }) => ({
            resolvedModule: from === file && {
                resolvedFileName: require.resolve(name).replace(/\.js$/, '.d.ts'),
                extension: ts.Extension.Dts,
            } || undefined,
        }));
    return host;
}

function typeProblems(judged) {
    const ts = require('typescript');
    const lines = WIRE.split('\n');
    const owner = new Map();
    judged.forEach(({ operation, whole }, number) => {
        if (!operation) return;
        const original = `ReturnType<typeof import(${JSON.stringify(`${operation.package}/meta`)}).${operation.name}>["__originalRequestType"]`;
        const shape = operation.method === 'GET' || operation.method === 'DELETE' ? 'Query' : 'Wire';
        owner.set(lines.length, number);
        lines.push(`export const r${number}: ${shape}<${original}> = ${JSON.stringify(whole)};`);
    });
    const problems = judged.map(() => []);
    const file = `${FOLDER}/requests.ts`;
    const program = ts.createProgram([file], OPTIONS, compilerHost(ts, file, lines.join('\n')));
    const source = program.getSourceFile(file);
    for (const problem of [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)]) {
        const { line } = source.getLineAndCharacterOfPosition(problem.start);
        const said = ts.flattenDiagnosticMessageText(problem.messageText, '\n');
        if (!owner.has(line)) throw new Error(said);
        problems[owner.get(line)].push(said);
    }
    return problems;
}

// The SDK itself asks for a token and for what a token is; nothing leaves this process.
export async function tokenRequests(appId, secret, instanceId) {
    const sent = [];
    const { fetch } = globalThis;
    globalThis.fetch = async (url, { method, body }) => {
        sent.push({ method, path: new URL(url).pathname, body: JSON.parse(body) });
        return Response.json({ access_token: 'token', expires_in: 14400, clientId: appId, instanceId });
    };
    try {
        await AppStrategy({ appId, appSecret: secret, instanceId }).getAuthHeaders();
        await AppStrategy({ appId, appSecret: secret, accessToken: 'theirs' }).elevated();
    } finally {
        globalThis.fetch = fetch;
    }
    return sent;
}
