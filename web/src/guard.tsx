/** Keeps a fault in one part of a picture from taking the rest with it. */

import { Component, type ComponentChildren, h } from "preact";

type Props = { readonly children: ComponentChildren };
type State = { readonly problem: string };

/** Stands where a mark has nothing to draw. */
export function Nothing({ height }: { height?: number }) {
  return <p class="nothing" style={{ height: height && `${height}px` }}>nothing to show</p>;
}

/** Shows its content, or in words why it cannot be drawn. */
export class Guard extends Component<Props, State> {
  override state: State = { problem: "" };

  override componentDidCatch(error: unknown): void {
    this.setState({ problem: error instanceof Error ? error.message : String(error) });
  }

  override componentDidUpdate(before: Props): void {
    if (this.state.problem && before.children !== this.props.children) this.setState({ problem: "" });
  }

  render() {
    if (!this.state.problem) return this.props.children;
    return <p class="problem" role="status">This could not be drawn: {this.state.problem}</p>;
  }
}
