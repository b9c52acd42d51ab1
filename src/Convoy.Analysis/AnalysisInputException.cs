namespace Convoy.Analysis;

/// <summary>
/// What was given to the analysis cannot be analysed. The message is one line: <c>WHAT (value). WHAT TO DO</c>.
/// </summary>
public sealed class AnalysisInputException : Exception
{
    /// <param name="what">What is wrong, without the value and without a full stop.</param>
    /// <param name="value">Where, or the value: a file with its line, a number, what differs.</param>
    /// <param name="remedy">What to do about it: one sentence with its full stop.</param>
    /// <param name="inner">The error that this one explains, if any.</param>
    public AnalysisInputException(string what, string value, string remedy, Exception? inner = null)
        : base($"{what} ({value}). {remedy}", inner)
    {
        What = what;
        Value = value;
        Remedy = remedy;
    }

    /// <summary>What is wrong.</summary>
    public string What { get; }

    /// <summary>Where, or the value.</summary>
    public string Value { get; }

    /// <summary>What to do about it.</summary>
    public string Remedy { get; }
}
