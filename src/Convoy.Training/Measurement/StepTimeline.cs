namespace Convoy.Training.Measurement;

/// <summary>
/// Adds up where steps spend their time: the forward pass by layer and operator, the backward pass by the layer and operator whose
/// gradient is computed. A layer's time outside operators (Convoy's own kernels, and the cost of calling) is a row of its own.
/// </summary>
/// <param name="time">The clock.</param>
/// <param name="nextSequence">The sequence number that the next operator with a gradient gets.</param>
internal sealed class StepTimeline(TimeProvider time, Func<ulong> nextSequence) : IOperatorListener
{
    /// <summary>The operator of a layer's row for what no operator accounts for.</summary>
    public const string OutsideOperators = "(outside operators)";

    /// <summary>The layer of operators between the network's end and the first node of the backward pass.</summary>
    public const string Loss = "(loss)";

    /// <summary>The layer of operators after the backward pass has begun that are no part of it.</summary>
    public const string AfterBackward = "(exchange, optimizer)";

    /// <summary>The layer of the backward pass's nodes that add gradients to parameters, and of those that nothing above accounts for.</summary>
    public const string Gradients = "(gradients)";

    private const string Engine = "autograd::engine::";

    private readonly Dictionary<(string Layer, string Operator), Row> _rows = [];
    private readonly Dictionary<ulong, Row> _bySequence = [];
    private readonly Dictionary<string, (long Ticks, int Calls)> _selfTimes = [];
    private readonly Stack<OpenLayer> _layers = new();
    private readonly Stack<OpenOperator> _operators = new();
    private ulong _sequence;
    private bool _inBackward;
    private int _steps;

    /// <summary>Forgets what was unfinished: a step starts.</summary>
    public void StartStep()
    {
        _steps++;
        _layers.Clear();
        _operators.Clear();
        _bySequence.Clear();
        _sequence = nextSequence();
        _inBackward = false;
    }

    /// <summary>A layer's forward pass starts, inside those that have not ended. Nothing counts before the first step.</summary>
    public void EnterLayer(string name)
    {
        Assign();
        if (_steps > 0)
        {
            _layers.Push(new OpenLayer(name, time.GetTimestamp()));
        }
    }

    /// <summary>The layer that was entered last ends.</summary>
    public void LeaveLayer()
    {
        Assign();
        if (_layers.TryPop(out OpenLayer? layer))
        {
            long ticks = time.GetTimestamp() - layer.Start;
            RowOf(layer.Name, OutsideOperators).ForwardTicks += ticks - layer.Accounted;
            if (_layers.TryPeek(out OpenLayer? outer))
            {
                outer.Accounted += ticks;
            }
        }
    }

    /// <inheritdoc/>
    public void Start(string name, ulong? backwardOf)
    {
        // The engine's own record lies around each node's; it is looked through.
        bool isEngine = name.StartsWith(Engine, StringComparison.Ordinal);
        _inBackward |= isEngine || backwardOf is not null;
        Row? row = null;
        if (!isEngine && _operators.All(o => o.IsEngine))
        {
            Assign();
            row = (backwardOf is { } sequence ? _bySequence.GetValueOrDefault(sequence) : null) ?? RowOf(Place(backwardOf is not null), name);
        }

        _operators.Push(new OpenOperator(name, row, backwardOf is not null || _operators.Count > 0, isEngine, time.GetTimestamp()));
    }

    /// <inheritdoc/>
    public void End()
    {
        if (!_operators.TryPop(out OpenOperator? ended))
        {
            return; // It had started before the step.
        }

        long ticks = time.GetTimestamp() - ended.Start;
        (long before, int calls) = _selfTimes.GetValueOrDefault(ended.Name);
        _selfTimes[ended.Name] = (before + ticks - ended.Inner, calls + 1);
        if (_operators.TryPeek(out OpenOperator? outer))
        {
            outer.Inner += ticks;
        }

        if (ended.Row is not { } row)
        {
            return;
        }

        if (ended.IsBackward)
        {
            row.BackwardTicks += ticks;
            return;
        }

        Assign(row);
        row.ForwardTicks += ticks;
        if (_layers.TryPeek(out OpenLayer? layer))
        {
            layer.Accounted += ticks;
        }
    }

    /// <summary>The mean over the steps so far, longest first.</summary>
    public IReadOnlyList<ProfileRow> Rows() =>
    [
        .. from pair in _rows
           let row = new ProfileRow(pair.Key.Layer, pair.Key.Operator, Mean(pair.Value.ForwardTicks), Mean(pair.Value.BackwardTicks))
           orderby row.ForwardSeconds + row.BackwardSeconds descending
           select row,
    ];

    /// <summary>Each operator's own time without the operators that it calls, forward and backward together, mean of a step, longest first.</summary>
    public IReadOnlyList<OperatorTime> Operators() =>
    [
        .. from pair in _selfTimes
           orderby pair.Value.Ticks descending
           select new OperatorTime(pair.Key, Mean(pair.Value.Ticks), (double)pair.Value.Calls / _steps),
    ];

    private double Mean(long ticks) => time.GetElapsedTime(0, ticks).TotalSeconds / Math.Max(1, _steps);

    // Nodes made since the last look belong to the operator that has just ended, or to the layer itself.
    private void Assign(Row? made = null)
    {
        if (_inBackward || _steps == 0)
        {
            return;
        }

        for (ulong next = nextSequence(); _sequence < next; _sequence++)
        {
            _bySequence[_sequence] = made ?? RowOf(_layers.TryPeek(out OpenLayer? layer) ? layer.Name : Loss, OutsideOperators);
        }
    }

    private string Place(bool isNode) =>
        _layers.TryPeek(out OpenLayer? layer) ? layer.Name : isNode || _operators.Count > 0 ? Gradients : _inBackward ? AfterBackward : Loss;

    private Row RowOf(string layer, string name)
    {
        if (!_rows.TryGetValue((layer, name), out Row? row))
        {
            _rows[(layer, name)] = row = new Row();
        }

        return row;
    }

    private sealed class Row
    {
        public long ForwardTicks { get; set; }

        public long BackwardTicks { get; set; }
    }

    private sealed class OpenLayer(string name, long start)
    {
        public string Name { get; } = name;

        public long Start { get; } = start;

        /// <summary>Of its time so far, what inner layers and operators took.</summary>
        public long Accounted { get; set; }
    }

    private sealed class OpenOperator(string name, Row? row, bool isBackward, bool isEngine, long start)
    {
        public string Name { get; } = name;

        public Row? Row { get; } = row;

        public bool IsBackward { get; } = isBackward;

        public bool IsEngine { get; } = isEngine;

        public long Start { get; } = start;

        public long Inner { get; set; }
    }
}
