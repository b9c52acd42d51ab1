using Spectre.Console;

namespace Convoy.Cli.Training;

/// <summary>One line at the bottom of a terminal: a bar and figures, redrawn at each update.</summary>
/// <param name="console">The terminal.</param>
internal sealed class LiveBar(IAnsiConsole console) : IDisposable
{
    private readonly LiveArea _area = new(console);

    /// <summary>Shows how far the work is.</summary>
    public void Update(long done, long total, string figures) => _area.Update(new Columns(
        new BreakdownChart().Width(24).HideTags().HideTagValues()
            .AddItem("done", Math.Max(done, 0.0001), Color.Green)
            .AddItem("left", Math.Max(total - done, 0), Color.Grey23),
        new Markup($"[bold]{done}/{total}[/]  {figures.EscapeMarkup()}")) { Expand = false });

    /// <summary>Writes a line above the bar.</summary>
    public void Say(string line) => _area.Say(line);

    /// <summary>Leaves the bar as it stands and gives the terminal back.</summary>
    public void Dispose() => _area.Dispose();
}
