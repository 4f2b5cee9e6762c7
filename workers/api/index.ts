export type { Context } from './context.ts';
export { defineFunction, type FunctionDefinition, type Result } from './define.ts';
export { FunctionError, type FunctionErrorOptions } from './errors.ts';
export { type Reply, type ReplyOptions, reply } from './reply.ts';
