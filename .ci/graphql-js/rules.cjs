// The rules of graphql-js, and one that corrects it: a variable for a field of a @oneOf input object must not be nullable.
// graphql-js 16.15 checks that only where the input object itself may be null.
const { GraphQLError, getNamedType, isNonNullType, specifiedRules, typeFromAST } = require('graphql');

function VariablesOfOneOf(context) {
  return {
    OperationDefinition: {
      leave(operation) {
        for (const { node, parentType } of context.getRecursiveVariableUsages(operation)) {
          const named = getNamedType(parentType);
          const definition = operation.variableDefinitions.find((one) => one.variable.name.value === node.name.value);
          if (!named?.isOneOf || definition === undefined) continue;
          if (!isNonNullType(typeFromAST(context.getSchema(), definition.type))) {
            context.reportError(new GraphQLError(`$${node.name.value} is nullable in a @oneOf input object`, { nodes: node }));
          }
        }
      },
    },
  };
}

module.exports = { rules: [...specifiedRules, VariablesOfOneOf] };
