namespace Convoy.Training.Measurement;

/// <summary>Is told what runs on a thread; starts and ends nest.</summary>
internal interface IOperatorListener
{
    /// <summary>An operator or a node of the backward pass starts.</summary>
    /// <param name="name">Its name in libtorch.</param>
    /// <param name="backwardOf">For a node, the sequence number of the operator that made it; null for an operator.</param>
    void Start(string name, ulong? backwardOf);

    /// <summary>What started last and has not ended ends.</summary>
    void End();
}
