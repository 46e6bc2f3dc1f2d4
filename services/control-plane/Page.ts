/** Pages of lists, as the REST documentation counts them. */

/** Which page: numbers from 1, and how many entries it holds. */
export interface Page {
  readonly page: number
  readonly pageSize: number
}

/** A page and how many entries there are on all pages. */
export interface Paged<A> extends Page {
  readonly data: ReadonlyArray<A>
  readonly total: number
}

/** The page that a request asks for: 0 stands for unset, which is page 1 of 20. */
export const pageOf = (request: { readonly page: number; readonly pageSize: number }): Page => ({
  page: request.page === 0 ? 1 : request.page,
  pageSize: request.pageSize === 0 ? 20 : request.pageSize,
})

/** How many entries come before the page. */
export const offsetOf = ({ page, pageSize }: Page): number => (page - 1) * pageSize
