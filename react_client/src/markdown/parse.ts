import { getDefaults, Lexer, type MarkedToken, Tokenizer } from 'marked'
import { parsed } from './parsed'

class ModelText extends Tokenizer {
  // what a model writes is never HTML: it is shown as it is written
  override html() {
    return undefined
  }
  override tag() {
    return undefined
  }
  // A definition vanishes from where it stands and works on text before it, which is finished and
  // not parsed again. So it stays text, and models write their links in place.
  override def() {
    return undefined
  }
}

const options = { ...getDefaults(), tokenizer: new ModelText() }

/** Parses one block, or a few. */
export function parse(source: string): MarkedToken[] {
  return lexer(source).lex(source) as MarkedToken[]
}

/** Tells blocks apart, and no more. */
export function blocksOf(source: string): MarkedToken[] {
  return lexer(source).blockTokens(source, []) as MarkedToken[]
}

/** Parses what stands in a paragraph. */
export function inlineOf(source: string): MarkedToken[] {
  return lexer(source).inlineTokens(source) as MarkedToken[]
}

function lexer(source: string): Lexer {
  parsed.characters += source.length
  return new Lexer(options)
}
