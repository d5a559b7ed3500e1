/** One panel: title, note, key, frame with axes, and what stands below it. */

import { Fragment, h } from "preact";
import { Framed } from "./framed.js";
import { Guard } from "./guard.js";
import { KeyView } from "./key-view.js";
import type { Plan } from "./layout.js";
import { Cloud3Mark } from "./marks/cloud3.js";
import { ParallelMark } from "./marks/parallel.js";
import { SurfaceMark } from "./marks/surface.js";
import { TableMark } from "./marks/table.js";
import { TilesMark } from "./marks/tiles.js";
import { TokensMark } from "./marks/tokens.js";
import { levelColour } from "./theme.js";
import { PanelTools } from "./tools.js";
import type { Level, Mark, Panel } from "./types.js";
import { LEVEL_SYMBOLS, levelWord, plain } from "./words.js";

/** Draws a panel as it was laid out. */
export function PanelView({ plan, place }: { plan: Plan; place: number }) {
  const { panel, width, key, frame, blocks } = plan;
  const spatial = blocks.some((mark) => mark.kind === "surface" || mark.kind === "cloud" || mark.kind === "parallel");
  return (
    <article class={`panel${plan.wide ? " wide" : ""}`} data-panel={place} aria-label={plain(panel.title) || `Panel ${place + 1}`}>
      <div class="panel-head">
        {panel.title && <PanelTitle title={plain(panel.title)} level={panel.level} />}
        {panel.note && <p class="note">{plain(panel.note)}</p>}
        <KeyView entries={key} name={String(place)} />
      </div>
      {frame ? <Guard><Framed panel={panel} plan={frame} name={String(place)} /></Guard> : <div class="above" />}
      {blocks.length > 0 && (
        <div class={`blocks${frame ? "" : " first"}`}>
          {blocks.map((mark, order) => (
            <Guard><Block mark={mark} panel={panel} width={width} name={`${place}.${order}`} /></Guard>
          ))}
        </div>
      )}
      {!frame && !spatial && <PanelTools name={String(place)} zoomed={false} lasso={null} />}
    </article>
  );
}

function PanelTitle({ title, level }: { title: string; level: Level }) {
  const loud = level === "look" || level === "warn" || level === "alarm";
  const colour = level === "warn" || level === "alarm" ? levelColour(level) : undefined;
  return (
    <h5 style={{ color: colour }}>
      {loud && <><span aria-hidden>{LEVEL_SYMBOLS[level]} </span><span class="unseen">{levelWord(level)}: </span></>}
      {title}
    </h5>
  );
}

function Block({ mark, panel, width, name }: { mark: Mark; panel: Panel; width: number; name: string }) {
  const height = Math.round(Math.min(Math.max(0.74 * width, 220), 500));
  if (mark.kind === "tiles") return <TilesMark mark={mark} width={width} title={panel.title} />;
  if (mark.kind === "tokens") return <TokensMark mark={mark} title={panel.title} />;
  if (mark.kind === "parallel") return <ParallelMark mark={mark} title={panel.title} width={width} name={name} />;
  if (mark.kind === "table") return <TableMark mark={mark} />;
  if (mark.kind === "surface") return <SurfaceMark mark={mark} panel={panel} width={width} height={height} name={name} />;
  if (mark.kind === "cloud") return <Cloud3Mark mark={mark} panel={panel} width={width} height={height} name={name} />;
  return null;
}
