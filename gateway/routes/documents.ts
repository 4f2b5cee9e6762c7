import { openapiDocument } from '../openapi.ts';
import { type App, onlyMethods } from './base.ts';

/** `/openapi.yaml` and `/openapi.json`: the OpenAPI document of the public routes. */
export function registerDocuments(app: App): void {
  app.get('/openapi.yaml', (c) =>
    c.body(openapiDocument().yaml, 200, { 'Content-Type': 'application/yaml' }),
  );
  app.get('/openapi.json', (c) =>
    c.body(openapiDocument().json, 200, { 'Content-Type': 'application/json' }),
  );
  for (const path of ['/openapi.yaml', '/openapi.json']) onlyMethods(app, path, ['GET', 'HEAD']);
}
