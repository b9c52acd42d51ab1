using System.Reflection;
using System.Text.Json.Nodes;
using static TorchSharp.torch.optim.lr_scheduler;

namespace Convoy.Training.Checkpoints;

/// <summary>
/// A learning rate scheduler's fields that are numbers, as PyTorch's <c>LRScheduler.state_dict</c> has all of them but the optimizer: TorchSharp's schedulers have no such method.
/// The rates that they go on from are the optimizer's.
/// </summary>
internal sealed class SchedulerPart : ContentPart
{
    private readonly LRScheduler _scheduler;
    private readonly FieldInfo[] _fields;

    /// <exception cref="NotSupportedException">It is made of other schedulers, or has no counter.</exception>
    public SchedulerPart(LRScheduler scheduler)
    {
        _scheduler = scheduler;
        FieldInfo[] all = [.. AllFields(scheduler.GetType())];
        if (all.Any(field => typeof(IEnumerable<LRScheduler>).IsAssignableFrom(field.FieldType) || typeof(LRScheduler).IsAssignableFrom(field.FieldType)))
        {
            throw new NotSupportedException($"the state of a {scheduler.GetType().Name} cannot be saved: it is made of other schedulers. Add those instead, or set the rate from the step's number.");
        }

        _fields = [.. all.Where(field => field.FieldType == typeof(int) || field.FieldType == typeof(double) || IsRates(field))];
        if (!_fields.Any(field => field.FieldType == typeof(int)))
        {
            throw new NotSupportedException($"the state of a {scheduler.GetType().Name} cannot be saved: it has no counter. Set the rate from the step's number.");
        }
    }

    public override JsonNode SaveState()
    {
        var state = new JsonObject();
        foreach (FieldInfo field in _fields)
        {
            state[field.Name] = field.GetValue(_scheduler) switch
            {
                IList<double> rates => CheckpointJson.ToNode(rates),
                double number => CheckpointJson.ToNode(number),
                var count => CheckpointJson.ToNode((int)count!),
            };
        }

        return state;
    }

    public override void LoadState(JsonNode? state)
    {
        string what = $"the state of a {_scheduler.GetType().Name}";
        foreach (FieldInfo field in _fields)
        {
            JsonNode? entry = (state as JsonObject)?[field.Name];
            if (field.FieldType == typeof(int))
            {
                field.SetValue(_scheduler, CheckpointJson.Read<int>(entry, what));
            }
            else if (field.FieldType == typeof(double))
            {
                field.SetValue(_scheduler, CheckpointJson.Read<double>(entry, what));
            }
            else
            {
                field.SetValue(_scheduler, ReadRates(entry, what, ((IList<double>?)field.GetValue(_scheduler))?.Count));
            }
        }
    }

    private static List<double>? ReadRates(JsonNode? entry, string what, int? count)
    {
        List<double>? rates = CheckpointJson.Read<List<double>?>(entry, what);
        return rates?.Count == count ? rates : throw new BadInputException(
            "the checkpoint's scheduler is of an optimizer with other groups of parameters", FormattableString.Invariant($"{rates?.Count ?? 0} instead of {count ?? 0}"), "Go on with the optimizer that the run began with.");
    }

    // The rates before and those of the last step.
    private static bool IsRates(FieldInfo field) => field.FieldType.IsAssignableFrom(typeof(List<double>)) && field.FieldType != typeof(object);

    private static IEnumerable<FieldInfo> AllFields(Type type)
    {
        for (Type? level = type; level is not null && level != typeof(object); level = level.BaseType)
        {
            foreach (FieldInfo field in level.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
            {
                yield return field;
            }
        }
    }
}
