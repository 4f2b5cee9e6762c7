export type { Context } from './context.ts';
export { defineFunction, type FunctionDefinition, type Result } from './define.ts';
export {
  FunctionError,
  type FunctionErrorOptions,
  type Reply,
  type ReplyOptions,
  reply,
} from './reply.ts';
